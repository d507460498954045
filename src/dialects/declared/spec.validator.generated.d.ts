// Generated from schemas/declared.schema.json by scripts/build-validators.mjs.
import type { Validator } from '../../config/validate.ts';

export declare const validateSpec: Validator;
