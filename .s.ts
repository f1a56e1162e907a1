import { Client } from '/tmp/wt/mcp/node_modules/@modelcontextprotocol/sdk/dist/esm/client/index.js';
import { StreamableHTTPClientTransport } from '/tmp/wt/mcp/node_modules/@modelcontextprotocol/sdk/dist/esm/client/streamableHttp.js';
const enc: any = await import('/tmp/tok/node_modules/gpt-tokenizer/esm/encoding/o200k_base.js');
const client = new Client({ name: 't', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL(process.env.URL ?? 'http://127.0.0.1:8080/mcp')));
await client.listTools();
for (const c of process.argv.slice(2)) { const [name, ...rest] = c.split(' '); const t=Date.now();
  const r: any = await client.callTool({ name: name!, arguments: JSON.parse(rest.join(' ') || '{}') });
  console.log('>>>', c); console.log(r.content[0].text); if (process.env.JSON) console.log(JSON.stringify(r.structuredContent)); console.log('---', Date.now()-t, 'ms', enc.encode(r.content[0].text).length, '+', enc.encode(JSON.stringify(r.structuredContent ?? null)).length, 'tokens\n'); }
await client.close();
