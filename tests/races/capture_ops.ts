/**
 * Preloaded before the tests of ops: notes their dispatches, which run as ever.
 *
 * @module
 */
import { captureDispatches } from "./capture.ts";

captureDispatches({ run: true });
