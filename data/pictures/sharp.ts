import sharp from "npm:sharp@0.35.5";

// One image is decoded by one thread, since many are decoded at a time; and none is decoded twice.
sharp.cache(false);
sharp.concurrency(1);

export { sharp };
