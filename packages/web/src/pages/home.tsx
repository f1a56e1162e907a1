// The start: jobs where there are any, else the traces.
import { useEffect } from 'preact/hooks';
import { useAsk } from '../state/resource.ts';
import { go } from '../state/url.ts';
import { Loaded } from '../ui/states.tsx';
import Jobs from './jobs.tsx';

export default function Home() {
  const jobs = useAsk('jobs', { limit: 1 });
  const none = jobs.value?.rows.length === 0;
  useEffect(() => {
    if (none) go('/explore', { replace: true });
  }, [none]);
  return (
    <Loaded resource={jobs} what="jobs">
      {() => (none ? null : <Jobs />)}
    </Loaded>
  );
}
