// The one place that names the package, so that its version stands once.
export { type Extract, extract, type Header, pack } from "npm:tar-stream@3.2.2";
