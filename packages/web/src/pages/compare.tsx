import { field, go, hrefTo, readUrl, setUrl } from '../state/url.ts';
import { Comparison } from '../trace/comparison.tsx';
import { AgainstUsual } from '../trace/usual.tsx';
import { Empty } from '../ui/states.tsx';

const fields = { a: field.text(), b: field.text() };

export default function Compare() {
  const { a, b } = readUrl(fields);
  return (
    <>
      <div class="page-head">
        <h1>Compare</h1>
        <p class="lead">what the second did otherwise than the first</p>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          const given = new FormData(event.currentTarget);
          setUrl(fields, { a: String(given.get('a')).trim(), b: String(given.get('b')).trim() });
        }}
      >
        <input name="a" aria-label="First trace id" placeholder="trace id, or empty: the usual" value={a} size={34} />
        <input name="b" aria-label="Second trace id" placeholder="trace id" value={b} size={34} required />
        <button type="submit">Compare</button>
      </form>
      {a && b ? (
        <Comparison a={a} b={b} names={['the first', 'the second']} />
      ) : b ? (
        <AgainstUsual traceId={b} onSpan={(span) => go(hrefTo(`/trace/${b}`, { span, panel: '1' }))} />
      ) : (
        <Empty title="A trace is needed">
          <p>Open an execution and choose “Compare”, or paste two trace ids; one alone is compared with the usual.</p>
        </Empty>
      )}
    </>
  );
}
