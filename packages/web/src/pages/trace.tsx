import type { PageProps } from '../routes.ts';
import { TraceView } from '../trace/trace-view.tsx';

export default function Trace({ params }: PageProps) {
  return <TraceView source={{ trace_id: params.id ?? '' }} />;
}
