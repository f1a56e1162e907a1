import { ExecutionAnswers } from '../answers/execution.tsx';
import type { PageProps } from '../routes.ts';
import { TraceView } from '../trace/trace-view.tsx';

export default function Execution({ params: { id = '' } }: PageProps) {
  return <TraceView source={{ execution_id: id }} above={<ExecutionAnswers id={id} />} />;
}
