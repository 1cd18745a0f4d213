/**
 * Reads JSON whose content is checked afterwards.
 *
 * @param text The text.
 * @returns The value, `undefined` where the text is no JSON.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value is an object of named values. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is an object of named texts. */
export function isTextRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}

/** The value of a key, `undefined` where the holder has no such key or is no object. */
export function member(holder: unknown, key: string): unknown {
  return isRecord(holder) ? holder[key] : undefined;
}

/** Whether a value is a list of texts. */
export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
