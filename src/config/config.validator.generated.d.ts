// Generated from schemas/config.schema.json by scripts/build-validators.mjs.
import type { Validator } from './validate.ts';

export declare const validateConfig: Validator;
