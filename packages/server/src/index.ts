export {
  describeSchema,
  type FunctionDescription,
  type SchemaDescription,
  type TableDescription,
  type ViewDescription,
} from './store/catalog.ts';
export { BeaconError } from './store/errors.ts';
export { renderReference, renderSchemaSql } from './store/render-schema.ts';
