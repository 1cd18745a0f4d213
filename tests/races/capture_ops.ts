/**
 * Preloaded before the tests of ops: notes their dispatches.
 *
 * @module
 */
import { captureDispatches } from "./capture.ts";

captureDispatches();
