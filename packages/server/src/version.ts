import * as fs from 'node:fs';
import * as path from 'node:path';

/** Version of the package, as `beacon --version`, MCP and the OpenAPI document give it. */
export const VERSION: string = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, '..', 'package.json'), 'utf8'),
).version;
