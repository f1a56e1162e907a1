// /openapi.json, and a page to read it: text and tables, no script, nothing from elsewhere.
import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Query } from '../queries/query.ts';
import { VERSION } from '../version.ts';
import { STYLE } from './docs-style.ts';
import { exampleOf, openApi } from './openapi.ts';
import { EXTRA_PATHS } from './openapi-extra.ts';

const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
const FIVE_MINUTES = 'public, max-age=300';

/** Adds both; they tell nothing about the data and need no token. */
export function docsRoutes(app: FastifyInstance, queries: readonly Query[], hasToken: boolean): void {
  const json = JSON.stringify(openApi(queries, VERSION, hasToken));
  const page = docsPage(queries, VERSION, hasToken);
  const tag = (text: string) => `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  for (const [url, type, text] of [
    ['/openapi.json', 'application/json', json],
    ['/docs', 'text/html; charset=utf-8', page],
  ] as const) {
    const etag = tag(text);
    app.get(url, { config: { open: true } }, async (request, reply) => {
      reply.header('etag', etag).header('cache-control', FIVE_MINUTES);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      if (url === '/docs') reply.header('content-security-policy', POLICY).header('x-frame-options', 'DENY');
      return reply.type(type).send(text);
    });
  }
}

interface Property {
  type?: string | string[];
  anyOf?: Property[];
  enum?: unknown[];
  items?: Property;
  default?: unknown;
  description?: string;
}

function docsPage(queries: readonly Query[], version: string, hasToken: boolean): string {
  const links = queries.map(({ name }) => `<li><a href="#${name}">${html(name)}</a></li>`).join('');
  const extras = Object.entries(
    EXTRA_PATHS as Record<string, Record<string, { summary: string; description?: string }>>,
  );
  const curl = hasToken ? 'curl -H "Authorization: Bearer $BEACON_TOKEN" ' : 'curl ';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Beacon: HTTP API</title><style>${STYLE}</style></head><body>
<nav aria-label="Operations"><a class="home" href="/">Beacon</a><p>HTTP API ${html(version)}</p>
<ul><li><a href="#rules">Rules</a></li></ul><p>Queries</p><ul>${links}</ul><p><a href="#others">Streams, files, server</a></p>
<p><a href="/openapi.json">openapi.json</a></p></nav>
<main><h1>HTTP API</h1>
<p>Every query is a question with a name, parameters, columns and a limit; they are the same here, on the command line
(<code>beacon &lt;name&gt;</code>) and for MCP clients (<code>/mcp</code>).</p>
<section id="rules"><h2>Rules</h2><dl>
<dt>Asking</dt><dd><code>GET /api/v1/&lt;name&gt;</code> with a query string, or <code>POST</code> with the same parameters as a JSON object.
<code>explain=sql</code> gives the SQL statement instead of the answer: <code>{sql, values}</code>.
<code>fresh=true</code> asks the primary where this server reads from a replica.</dd>
<dt>Answers</dt><dd><code>{rows, truncated, next, database, schema, range}</code>. <code>truncated</code> says in words what the limit kept back.
Times are ISO 8601 in UTC with microseconds, ids hexadecimal, bigints text, durations milliseconds.</dd>
<dt>Pages</dt><dd>Give <code>next</code> back as <code>after</code>. Pages neither skip nor repeat a row while others arrive.</dd>
<dt>Errors</dt><dd><code>application/problem+json</code>: <code>{type, title, status, detail, code, hint, request_id}</code>.</dd>
<dt>Token</dt><dd>${hasToken ? 'This server asks for one' : 'This server asks for none; where one is set'}: <code>Authorization: Bearer &lt;token&gt;</code>.</dd>
<dt>Request ids</dt><dd><code>X-Request-Id</code> is taken from the request, or made; it is in the answer and in the log.</dd>
<dt>Filter (<code>q</code>)</dt><dd>Terms that must all hold: <code>service=router status=failed duration&gt;500ms http.response.status_code&gt;=500
has:beacon.retry "connection refused"</code>. Operators <code>= != &gt; &gt;= &lt; &lt;= ~</code> (contains), <code>has:key</code>, <code>-has:key</code>.</dd>
</dl></section>
${queries.map((query) => section(query, curl)).join('\n')}
<section id="others"><h2>Streams, files, server</h2><dl>${extras
    .map(([url, methods]) =>
      Object.entries(methods)
        .map(
          ([method, of]) =>
            `<dt><code>${method.toUpperCase()} ${url}</code></dt><dd>${html(of.summary)}${of.description ? ` ${marked(of.description)}` : ''}</dd>`,
        )
        .join(''),
    )
    .join('')}
<dt><code>/tempo/api/…</code></dt><dd>What Grafana's Tempo data source asks.</dd>
<dt><code>/mcp</code></dt><dd>MCP over streamable HTTP.</dd></dl></section>
</main></body></html>`;
}

function section(query: Query, curl: string): string {
  const { name, doc, params, row, limit, mutates } = query;
  const asked = propertiesOf(z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }));
  const columns = propertiesOf(z.toJSONSchema(row, { io: 'output', unrepresentable: 'any' }));
  const example = exampleOf(query);
  const search = new URLSearchParams(example as Record<string, string>).toString();
  const command = mutates
    ? `${curl}-X POST -H 'content-type: application/json' -d '${JSON.stringify(example)}' "$BEACON/api/v1/${name}"`
    : `${curl}"$BEACON/api/v1/${name}${search && `?${search}`}"`;
  return `<section id="${name}"><h2>${html(name)}</h2><p>${html(doc)}</p>
<pre><code>${html(command)}</code></pre>
<h3>Parameters</h3>${table(['name', 'type', 'meaning'], asked)}
<h3>Columns of a row</h3>${table(['name', 'type', 'meaning'], columns)}
<p class="limit">${limit.default} rows when nothing is said, at most ${limit.max}.${mutates ? ' Changes something: POST only.' : ''}</p></section>`;
}

function propertiesOf(schema: object): Array<[string, Property]> {
  return Object.entries((schema as { properties?: Record<string, Property> }).properties ?? {});
}

function table(head: string[], rows: Array<[string, Property]>): string {
  if (rows.length === 0) return '<p>None.</p>';
  const lines = rows.map(
    ([name, of]) =>
      `<tr><td><code>${html(name)}</code></td><td>${html(typeOf(of))}</td><td>${marked(of.description ?? '')}</td></tr>`,
  );
  return `<div class="table"><table><thead><tr>${head.map((each) => `<th>${each}</th>`).join('')}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
}

function typeOf(of: Property): string {
  if (of.enum) return of.enum.join(' | ');
  if (of.anyOf) return of.anyOf.map(typeOf).join(' | ');
  if (of.type === 'array') return `${of.items ? typeOf(of.items) : 'any'}[]`;
  return [of.type ?? 'any'].flat().join(' | ');
}

function marked(text: string): string {
  return html(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
