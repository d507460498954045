/** Where editors and SchemaStore find the schema of prunegate.yml. */
export const CONFIG_SCHEMA_ID = 'https://raw.githubusercontent.com/prunegate/prunegate/main/schemas/config.schema.json';
