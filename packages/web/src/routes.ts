// Every page: its address, its name, and how its code is loaded.
import type { FunctionComponent } from 'preact';

export interface PageProps {
  /** Parts of the path that vary: `id`. */
  params: Record<string, string>;
}

interface Route {
  path: string;
  title: string;
  load: () => Promise<{ default: FunctionComponent<PageProps> }>;
}

const ROUTES: readonly Route[] = [
  { path: '/', title: 'Jobs', load: () => import('./pages/home.tsx') },
  { path: '/jobs', title: 'Jobs', load: () => import('./pages/jobs.tsx') },
  { path: '/jobs/:id', title: 'Job', load: () => import('./pages/job.tsx') },
  { path: '/jobs/:id/answers', title: 'Answers', load: () => import('./pages/answers.tsx') },
  { path: '/execution/:id', title: 'Execution', load: () => import('./pages/execution.tsx') },
  { path: '/trace/:id', title: 'Trace', load: () => import('./pages/trace.tsx') },
  { path: '/compare', title: 'Compare', load: () => import('./pages/compare.tsx') },
  { path: '/compare-jobs', title: 'Compare jobs', load: () => import('./pages/compare-jobs.tsx') },
  { path: '/alerts', title: 'Alerts', load: () => import('./pages/alerts.tsx') },
  { path: '/explore', title: 'Explore', load: () => import('./pages/explore.tsx') },
  { path: '/services', title: 'Services', load: () => import('./pages/services.tsx') },
  { path: '/findings', title: 'Findings', load: () => import('./pages/findings.tsx') },
  // Not /health: that is what load balancers ask.
  { path: '/tracing', title: 'Health', load: () => import('./pages/health.tsx') },
  { path: '/sql', title: 'SQL', load: () => import('./pages/sql.tsx') },
];

/** The navigation, with the letter that follows `g`. */
export const NAVIGATION = [
  { href: '/jobs', title: 'Jobs', letter: 'j' },
  { href: '/explore', title: 'Explore', letter: 'e' },
  { href: '/services', title: 'Services', letter: 's' },
  { href: '/findings', title: 'Findings', letter: 'f' },
  { href: '/alerts', title: 'Alerts', letter: 'a' },
  { href: '/tracing', title: 'Health', letter: 'h' },
  { href: '/sql', title: 'SQL', letter: 'q' },
] as const;

interface Match {
  route: Route;
  params: Record<string, string>;
}

/** The page at a path; undefined where there is none. */
export function match(path: string): Match | undefined {
  const given = path.replace(/(?<=.)\/+$/, '').split('/');
  for (const route of ROUTES) {
    const wanted = route.path.split('/');
    if (wanted.length !== given.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, i) => {
      const text = given[i] as string;
      if (!part.startsWith(':')) return part === text;
      params[part.slice(1)] = decoded(text);
      return text !== '';
    });
    if (fits) return { route, params };
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
