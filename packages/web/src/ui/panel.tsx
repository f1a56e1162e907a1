// A part of a page that answers one question, and says how to ask the same elsewhere: SQL, command line, MCP.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { call, type Params } from '../state/api.ts';
import { useResource } from '../state/resource.ts';
import { Copyable } from './copyable.tsx';
import { Dialog } from './dialog.tsx';
import { cliCommand, mcpCall } from './elsewhere.ts';
import { Loaded } from './states.tsx';

interface PanelProps {
  title: ComponentChildren;
  /** The query that answers; without one the panel offers no SQL. */
  query?: string;
  params?: Params;
  /** What the limit left out, in the server's words. */
  truncated?: string | null | undefined;
  /** Buttons and switches beside the title. */
  actions?: ComponentChildren;
  /** Without the inner margin: tables, drawings. */
  flush?: boolean;
  children: ComponentChildren;
}

export function Panel({ title, query, params = {}, truncated, actions, flush = false, children }: PanelProps) {
  return (
    <section class="panel">
      <header>
        <h2>{title}</h2>
        <div class="panel-actions">
          {actions}
          {query && <ElsewhereButton query={query} params={params} />}
        </div>
      </header>
      <div class={flush ? 'panel-body flush' : 'panel-body'}>{children}</div>
      {truncated && <p class="left-out">{truncated}</p>}
    </section>
  );
}

/** Opens the SQL of a picture, and the same question for the command line and MCP. */
export function ElsewhereButton({ query, params }: { query: string; params: Params }) {
  const [shown, setShown] = useState(false);
  return (
    <>
      <button
        type="button"
        class="quiet small"
        onClick={() => setShown(true)}
        title="Show SQL, copy as CLI or MCP call"
      >
        SQL
      </button>
      {shown && <Elsewhere query={query} params={params} onClose={() => setShown(false)} />}
    </>
  );
}

interface Explained {
  /** Null where the answer is not made by one statement. */
  sql: string | null;
  values: unknown[];
}

function Elsewhere({ query, params, onClose }: { query: string; params: Params; onClose(): void }) {
  const statement = typeof params.statement === 'string' ? params.statement : undefined;
  const explained = useResource<Explained>(JSON.stringify([query, params]), async (signal) =>
    statement === undefined
      ? ((await call(`/api/v1/${query}`, { ...params, explain: 'sql' }, { signal })) as Explained)
      : { sql: statement, values: [] },
  );
  const cli = cliCommand(query, params);
  const mcp = mcpCall(query, params);
  return (
    <Dialog title="The same question elsewhere" onClose={onClose} wide>
      <Copyable title="Command line" text={cli} what="the command" />
      {mcp && <Copyable title="MCP call" text={mcp} what="the MCP call" />}
      <h3>SQL</h3>
      <Loaded resource={explained} what="the SQL">
        {({ sql, values }) => (
          <>
            {sql === null ? (
              <p class="dim">This answer is not made by one statement.</p>
            ) : (
              <Copyable text={dedented(sql)} what="SQL" />
            )}
            {values.length > 0 && (
              <ol class="bound">
                {values.map((value, i) => (
                  <li key={i}>
                    <code>
                      ${i + 1} = {value === null || value === undefined ? 'null' : JSON.stringify(value)}
                    </code>
                  </li>
                ))}
              </ol>
            )}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

/** Without the indentation the statement had among the server's sources. */
function dedented(sql: string): string {
  const lines = sql.replace(/^\s*\n/, '').split('\n');
  const indents = lines.map((line) => line.search(/\S/)).filter((indent) => indent > 0);
  const common = Math.min(...indents, 40);
  return lines.map((line) => (/^ +/.test(line) ? line.slice(Math.min(common, line.search(/\S|$/))) : line)).join('\n');
}
