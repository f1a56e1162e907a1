import type { PageProps } from '../routes.ts';
import { TraceView } from '../trace/trace-view.tsx';

export default function Execution({ params }: PageProps) {
  return <TraceView source={{ execution_id: params.id ?? '' }} />;
}
