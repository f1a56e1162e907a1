// A live system: spans come at a steady rate, and users ask meanwhile, each its next question a second after the last answer.
import { type Asked, once, send, sharesOf } from './client.ts';
import { QUESTIONS } from './questions.ts';
import { SPANS_A_TRACE, traffic } from './traffic.ts';

export interface Live {
  seconds: number;
  spansPerSecond: number;
  /** Answers to all users. */
  answers: number;
  /** Milliseconds, by question. */
  figures: { what: string; p50: number; p95: number; target: number }[];
}

const THINKS_MS = 1_000;

export async function live(
  to: Asked & { otlp: number },
  ids: string[],
  { seconds, perSecond, users }: { seconds: number; perSecond: number; users: number },
): Promise<Live> {
  const times = new Map<string, number[]>(QUESTIONS.map(({ what }) => [what, []]));
  let isOver = false;
  const user = async (first: number) => {
    for (let n = first; !isOver; n++) {
      const question = QUESTIONS[n % QUESTIONS.length]!;
      times.get(question.what)!.push(await once(question, to[question.at]!, ids, n));
      await new Promise((resolve) => setTimeout(resolve, THINKS_MS));
    }
  };
  const asking = Array.from({ length: users }, (_, n) => user(n));
  const sent = await send(to.otlp, traffic(Math.round((seconds * perSecond) / SPANS_A_TRACE), 'live'), {
    clients: 4,
    perSecond,
  });
  isOver = true;
  await Promise.all(asking);
  const figures = QUESTIONS.flatMap(({ what, target }) => {
    const of = times.get(what)!;
    return of.length === 0 ? [] : [{ what, ...sharesOf(of), target }];
  });
  const answers = [...times.values()].reduce((sum, of) => sum + of.length, 0);
  return { seconds, spansPerSecond: sent.spans / sent.seconds, answers, figures };
}
