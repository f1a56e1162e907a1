// The form for a cross-region job: checked while it is filled in, sent to the runner, then watched.
import { useId, useState } from 'preact/hooks';
import { ask, type Problem } from '../state/api.ts';
import { asProblem } from '../state/resource.ts';
import type { JobsRow } from '../state/rows.ts';
import { go } from '../state/url.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Failed } from '../ui/states.tsx';
import { size, wrongIn } from './validate.ts';

// What the simulated provider of `npm start` knows; offered where no job has run yet.
const MODELS = ['llama-3.2-1b', 'qwen2.5-1.5b'];
const REGIONS = ['us-east', 'eu-west', 'asia-southeast'];

export function NewJob({ known, onClose }: { known: JobsRow[]; onClose(): void }) {
  const offered = (pick: (job: JobsRow) => string[], otherwise: string[]) => {
    const found = [...new Set(known.flatMap(pick))].sort();
    return found.length > 0 ? found : otherwise;
  };
  const latest = known[0];
  const [models, setModels] = useState(latest?.models ?? MODELS);
  const [regions, setRegions] = useState(latest?.regions ?? REGIONS);
  const [text, setText] = useState('What is 2+2?\nWhat is 7*6?');
  const [tried, setTried] = useState(false);
  const [state, setState] = useState<{ sending: boolean; problem?: Problem }>({ sending: false });
  const questions = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const draft = { models, regions, questions };
  const wrong = wrongIn(draft);
  const isWrong = Object.keys(wrong).length > 0;

  const submit = async () => {
    setTried(true);
    if (isWrong) return;
    setState({ sending: true });
    try {
      const { rows } = await ask('submit-job', draft, { post: true });
      go(`/jobs/${encodeURIComponent(String(rows[0]?.job_id))}`);
    } catch (error) {
      setState({ sending: false, problem: asProblem(error) });
    }
  };

  return (
    <Dialog title="New job" onClose={onClose}>
      <form
        class="job-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Choice
          title="Models"
          offered={offered((job) => job.models, MODELS)}
          chosen={models}
          onChange={setModels}
          wrong={wrong.models}
        />
        <Choice
          title="Regions"
          offered={offered((job) => job.regions, REGIONS)}
          chosen={regions}
          onChange={setRegions}
          wrong={wrong.regions}
        />
        <Questions text={text} onChange={setText} wrong={tried ? wrong.questions : undefined} />
        <p class={wrong.all ? 'bad' : 'dim'} aria-live="polite">
          {models.length} models × {regions.length} regions × {questions.length} questions ={' '}
          <strong>{size(draft)} executions</strong>
          {wrong.all && `. ${wrong.all}`}
        </p>
        {state.problem && <Failed problem={state.problem} />}
        <div class="row">
          <button type="submit" class="primary" disabled={state.sending || (tried && isWrong)}>
            {state.sending ? 'Submitting …' : 'Submit'}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface ChoiceProps {
  title: string;
  offered: string[];
  chosen: string[];
  onChange(chosen: string[]): void;
  wrong: string | undefined;
}

/** Known names to switch on and off, and room for another one. */
function Choice({ title, offered, chosen, onChange, wrong }: ChoiceProps) {
  const id = useId();
  const [other, setOther] = useState('');
  const names = [...new Set([...offered, ...chosen])];
  const toggle = (name: string) =>
    onChange(chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name]);
  const add = () => {
    const name = other.trim();
    if (name && !chosen.includes(name)) onChange([...chosen, name]);
    setOther('');
  };
  return (
    <fieldset aria-describedby={wrong ? id : undefined}>
      <legend>{title}</legend>
      <div class="row">
        {names.map((name) => (
          <button
            key={name}
            type="button"
            class="small chip"
            aria-pressed={chosen.includes(name)}
            onClick={() => toggle(name)}
          >
            <Icon name={chosen.includes(name) ? 'check' : 'plus'} /> {name}
          </button>
        ))}
        <input
          class="chip-input"
          aria-label={`Another of ${title.toLowerCase()}`}
          placeholder="another …"
          value={other}
          onInput={({ currentTarget }) => setOther(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !other.trim()) return;
            event.preventDefault();
            add();
          }}
          onBlur={add}
        />
      </div>
      {wrong && (
        <p class="bad" id={id}>
          {wrong}
        </p>
      )}
    </fieldset>
  );
}

function Questions({
  text,
  onChange,
  wrong,
}: {
  text: string;
  onChange(text: string): void;
  wrong: string | undefined;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>Questions, one a line</label>
      <textarea
        id={id}
        rows={5}
        value={text}
        aria-invalid={wrong !== undefined}
        aria-describedby={wrong ? `${id}-wrong` : undefined}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      {wrong && (
        <p class="bad" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}
