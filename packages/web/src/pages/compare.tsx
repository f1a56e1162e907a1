import type { PageProps } from '../routes.ts';

export default function Compare({ params }: PageProps) {
  return <h1>Compare {params.id}</h1>;
}
