// A span among others of its kind: is this slow, or is it always so?
import { count, duration } from '../ui/format.ts';

/** Of the operation `span`: same service and operation, the 24 hours before, other traces. */
export interface PeerFacts {
  peer_count: number | null;
  peer_p50_ms: number | null;
  peer_p95_ms: number | null;
  slower_than_pct: number | null;
  peer_histogram: Array<{ from_ms: number; to_ms: number; count: number }> | null;
}

const HEIGHT = 44;

export function Peers({ facts, own, finished }: { facts: PeerFacts; own: number; finished: boolean }) {
  const { peer_count: peers, peer_histogram: buckets, slower_than_pct: slower } = facts;
  if (!peers || !buckets || buckets.length === 0) {
    return <p class="peers faint">No other span of this operation in the day before: nothing to compare it with.</p>;
  }
  const max = Math.max(...buckets.map((bucket) => bucket.count));
  const at = bucketOf(buckets, own);
  const sentence =
    slower === null || !finished
      ? `${count(peers)} others of this operation in the day before.`
      : `Slower than ${slower >= 99.95 ? 100 : slower >= 10 ? Math.floor(slower) : slower.toFixed(1)} % of this operation in the day before.`;
  return (
    <figure class="peers">
      <figcaption>
        <strong>{sentence}</strong>
        <span class="faint">
          {count(peers)} others: half below {duration(facts.peer_p50_ms)}, 95 % below {duration(facts.peer_p95_ms)}
        </span>
      </figcaption>
      <svg
        viewBox={`0 0 ${buckets.length * 10} ${HEIGHT}`}
        preserveAspectRatio="none"
        height={HEIGHT}
        role="img"
        aria-label={sentence}
      >
        {buckets.map((bucket, n) => {
          const height = bucket.count === 0 ? 0 : Math.max(2, (bucket.count / max) * (HEIGHT - 2));
          return (
            <rect key={n} class={n === at ? 'own' : ''} x={n * 10 + 0.5} y={HEIGHT - height} width={9} height={height}>
              <title>{`${duration(bucket.from_ms)} to ${duration(bucket.to_ms)}: ${count(bucket.count)}`}</title>
            </rect>
          );
        })}
        {at >= 0 && <rect class="marker" x={at * 10 + 3.5} y={0} width={3} height={HEIGHT} />}
      </svg>
      <p class="peers-scale faint">
        <span>{duration(buckets[0]!.from_ms)}</span>
        <span>this one: {duration(own)}</span>
        <span>{duration(buckets.at(-1)!.to_ms)}</span>
      </p>
    </figure>
  );
}

function bucketOf(buckets: NonNullable<PeerFacts['peer_histogram']>, own: number): number {
  const at = buckets.findIndex((bucket) => own < bucket.to_ms);
  return at < 0 ? buckets.length - 1 : at;
}
