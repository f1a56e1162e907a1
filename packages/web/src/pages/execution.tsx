import type { PageProps } from '../routes.ts';

export default function Execution({ params }: PageProps) {
  return <h1>Execution {params.id}</h1>;
}
