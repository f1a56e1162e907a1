// What a page looks at: the range of its address, or, where that says none, one that fits what there is.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import { fitOf } from '../state/fit.ts';
import { fitted, type Range, rangeFields } from '../state/range.ts';
import { useAsk } from '../state/resource.ts';
import { readUrl, setUrl } from '../state/url.ts';
import { FirstSpan } from './first-span.tsx';
import { moment } from './format.ts';
import { Loaded } from './states.tsx';

interface WithRangeProps {
  /** The page, for what is said while it is not there. */
  what: string;
  children(range: Range): ComponentChildren;
}

/** Asks nothing where the address names a range; one small question before all others where it does not. */
export function WithRange({ what, children }: WithRangeProps) {
  const given = readUrl(rangeFields);
  const isOpen = given.from === '' && given.to === '';
  const extent = useAsk('extent', isOpen ? {} : null);
  const row = extent.value?.rows[0];
  const fit = useMemo(() => row && fitOf(row), [row]);
  // The address says what is shown, so that anyone who gets it sees the same.
  useLayoutEffect(() => {
    if (!isOpen || !fit || !row) return;
    const why = fit.isRecent
      ? `the first trace of the last 24 hours began ${moment(row.oldest_at)}`
      : `nothing in the last 24 hours, the newest trace began ${moment(row.newest_at)}`;
    fitted.value = { from: fit.from, to: fit.to, why };
    setUrl(rangeFields, { from: fit.from, to: fit.to }, { replace: true });
  }, [isOpen, fit]);
  if (!isOpen) return children(given);
  if (fit) return children({ from: fit.from, to: fit.to });
  return (
    <Loaded resource={extent} what={what}>
      {() => <FirstSpan />}
    </Loaded>
  );
}
