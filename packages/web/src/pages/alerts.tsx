// Alerts: what was found and sent, the rules, and making, silencing and removing them.
import { useState } from 'preact/hooks';
import { ask, type Params, type Problem } from '../state/api.ts';
import { asProblem, useAsk } from '../state/resource.ts';
import type { AlertRulesRow, AlertsRow, Rows } from '../state/rows.ts';
import { ago, moment } from '../ui/format.ts';
import { Panel } from '../ui/panel.tsx';
import { Empty, Failed, Loaded } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

export default function Alerts() {
  const [turn, setTurn] = useState(0);
  return <Look key={turn} again={() => setTurn(turn + 1)} />;
}

function Look({ again }: { again(): void }) {
  const [problem, setProblem] = useState<Problem>();
  const alerts = useAsk('alerts', {});
  const rules = useAsk('alert-rules', {});
  const targets = useAsk('alert-targets', {});
  const act = async (name: keyof Rows, params: Params) => {
    try {
      await ask(name, params, { post: true });
      again();
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <>
      <div class="page-head">
        <h1>Alerts</h1>
        <p class="lead grow">Said once a failure, with its cause, and when it is over.</p>
      </div>
      {problem && <Failed problem={problem} />}
      <Panel title="What was found" query="alerts" params={{}} truncated={alerts.value?.truncated} flush>
        <Loaded resource={alerts} what="alerts">
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title="No rule has found anything in seven days." />
            ) : (
              <Table caption="Alerts" columns={FOUND} rows={rows} rowKey={({ id }) => id} />
            )
          }
        </Loaded>
      </Panel>
      <Panel title="Rules" query="alert-rules" params={{}} flush>
        <Loaded resource={rules} what="rules">
          {({ rows }) =>
            rows.length === 0 ? (
              <Empty title="There is no rule yet." />
            ) : (
              <Table caption="Rules" columns={ruleColumns(act)} rows={rows} rowKey={({ name }) => name} />
            )
          }
        </Loaded>
      </Panel>
      <Panel title="New rule">
        <Loaded resource={targets} what="targets">
          {({ rows }) => (
            <NewRule targets={rows.map(({ name }) => name)} make={(params) => act('make-alert', params)} />
          )}
        </Loaded>
      </Panel>
    </>
  );
}

const FOUND: Column<AlertsRow>[] = [
  { key: 'state', title: 'State', cell: ({ state }) => state, sort: ({ state }) => state },
  {
    key: 'summary',
    title: 'Failure',
    wrap: true,
    cell: ({ link, summary, cause }) => (
      <>
        {link ? <a href={link}>{summary}</a> : summary}
        {cause && <div class="dim">{cause}</div>}
      </>
    ),
  },
  {
    key: 'since',
    title: 'Since',
    cell: (row) => <span title={moment(row.began_at)}>{ago(row.began_at)}</span>,
    wideOnly: true,
  },
  {
    key: 'sent',
    title: 'Acknowledged',
    end: true,
    cell: (row) => <span title={row.last_error ?? undefined}>{`${row.acknowledged} of ${row.deliveries}`}</span>,
  },
];

const ruleColumns = (act: (name: keyof Rows, params: Params) => void): Column<AlertRulesRow>[] => [
  { key: 'name', title: 'Rule', cell: ({ name }) => name, sort: ({ name }) => name, wrap: true },
  {
    key: 'asks',
    title: 'Asks',
    wrap: true,
    cell: (row) => (
      <>
        {row.query} {row.condition && <code>{row.condition}</code>}
        {row.last_error && <div class="dim">{row.last_error}</div>}
      </>
    ),
  },
  { key: 'targets', title: 'To', cell: ({ targets }) => targets.join(', ') || 'no one', wideOnly: true },
  { key: 'open', title: 'Open', end: true, wideOnly: true, cell: ({ open }) => open },
  {
    key: 'act',
    title: 'Silence',
    cell: ({ name, silenced_until: until }) => (
      <span class="row">
        <button type="button" class="small" onClick={() => act('silence-alert', { name, for: until ? '0s' : '1h' })}>
          {until ? 'End silence' : 'For 1 h'}
        </button>
        <button
          type="button"
          class="small quiet"
          aria-label={`Remove ${name}`}
          onClick={() => act('remove-alert', { name })}
        >
          Remove
        </button>
      </span>
    ),
  },
];

function NewRule({ targets, make }: { targets: string[]; make(params: Params): void }) {
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget);
        const text = (name: string) => String(given.get(name) ?? '').trim();
        make({ name: text('name'), condition: text('condition'), within: text('within'), targets: text('target') });
      }}
    >
      <input name="name" aria-label="Name of the rule" placeholder="name" required />
      <input name="condition" aria-label="Condition on findings" placeholder="executions >= 3" />
      <select name="within" aria-label="How far back it looks">
        {['5m', '15m', '1h', '6h', '24h'].map((each) => (
          <option key={each} selected={each === '15m'}>
            {each}
          </option>
        ))}
      </select>
      <select name="target" aria-label="Target">
        <option value="">only noted</option>
        {targets.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
      <button type="submit">Make rule</button>
      {targets.length === 0 && <span class="dim">Who runs the database adds targets: beacon alert-target.</span>}
    </form>
  );
}
