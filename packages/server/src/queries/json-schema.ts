// Parameters and rows as JSON Schema, for APIs and documents.
import { z } from 'zod';
import type { Query } from './query.ts';

/** As much of JSON Schema as descriptions of parameters and columns need. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  [keyword: string]: unknown;
}

export interface ObjectSchema {
  properties: Record<string, JsonSchema>;
  required: string[];
}

/** What a caller may send. */
export function paramsSchema({ params }: Query): ObjectSchema {
  return objectOf(z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }));
}

/** What a row of the answer looks like. */
export function rowSchema({ row }: Query): ObjectSchema {
  return objectOf(z.toJSONSchema(row, { io: 'output', unrepresentable: 'any' }));
}

function objectOf({ properties = {}, required = [] }: z.core.JSONSchema.BaseSchema): ObjectSchema {
  return { properties: properties as Record<string, JsonSchema>, required };
}
