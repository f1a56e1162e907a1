// What surrounds every page: navigation, theme, keyboard help, login, and whether the server answers.
import { signal } from '@preact/signals';
import { Component, type ComponentChildren, type FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { match, NAVIGATION, type PageProps } from './routes.ts';
import { bindKeys } from './state/keys.ts';
import { rangeFields, whyFitted } from './state/range.ts';
import { reachable } from './state/reach.ts';
import { asProblem } from './state/resource.ts';
import { nextTheme, theme } from './state/theme.ts';
import { needsToken } from './state/token.ts';
import { go, hrefTo, path, readUrl } from './state/url.ts';
import { Announcer, announce } from './ui/announce.tsx';
import { Icon } from './ui/icon.tsx';
import { KeyHelp } from './ui/key-help.tsx';
import { Login } from './ui/login.tsx';
import { Empty, Failed, Loading } from './ui/states.tsx';

const THEME_ICONS = { system: 'half', light: 'sun', dark: 'moon' } as const;

const helpShown = signal(false);

bindKeys('Everywhere', [
  { key: '?', doc: 'these keys', run: () => (helpShown.value = true) },
  { key: '/', doc: 'to the filter', run: () => document.querySelector<HTMLElement>('[data-filter]')?.focus() },
  { key: 't', doc: 'system, light or dark', run: changeTheme },
  ...NAVIGATION.map(({ href, title, letter }) => ({ key: `g ${letter}`, doc: title, run: () => go(withRange(href)) })),
]);

export function Shell() {
  const here = match(path.value);
  return (
    <>
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <TopBar current={here?.route.path} />
      {!reachable.value && (
        <p class="banner" role="alert">
          <Icon name="warning" /> Beacon does not answer at {location.origin}. Trying again …
        </p>
      )}
      <main id="page" tabIndex={-1}>
        {here ? <Page key={path.value} {...here} /> : <NoPage />}
      </main>
      {needsToken.value && <Login />}
      {helpShown.value && <KeyHelp onClose={() => (helpShown.value = false)} />}
      <Announcer />
    </>
  );
}

function TopBar({ current }: { current: string | undefined }) {
  return (
    <header class="top">
      <a class="brand" href="/" aria-label="Beacon, start page">
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
          <path d="M2 4h8M4 8h10M3 12h6" stroke="currentColor" stroke-width="2.4" stroke-linecap="round" />
        </svg>
        <span>Beacon</span>
      </a>
      <nav aria-label="Pages">
        {NAVIGATION.map(({ href, title }) => (
          <a key={href} href={withRange(href)} aria-current={belongs(current, href) ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="top-end">
        <button
          type="button"
          class="quiet"
          onClick={changeTheme}
          aria-label={`Theme: ${theme.value}. Change it`}
          title={`Theme: ${theme.value} (t)`}
        >
          <Icon name={THEME_ICONS[theme.value]} size={14} />
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => (helpShown.value = true)}
          aria-label="Keyboard help"
          title="Keys (?)"
        >
          <Icon name="question" size={14} />
        </button>
      </div>
    </header>
  );
}

function belongs(current: string | undefined, href: string): boolean {
  if (current === href) return true;
  return (
    href === '/jobs' && (current === '/' || current?.startsWith('/jobs/') || current === '/execution/:id') === true
  );
}

/** The time range is kept from page to page if the user chose it. */
function withRange(href: string): string {
  if (whyFitted()) return href;
  const { from, to } = readUrl(rangeFields);
  return hrefTo(href, { from: rangeFields.from.write(from), to: rangeFields.to.write(to) });
}

function changeTheme(): void {
  nextTheme();
  announce(`Theme: ${theme.value}`);
}

const loaded = new Map<string, FunctionComponent<PageProps>>();

function Page({ route, params }: NonNullable<ReturnType<typeof match>>) {
  const [state, setState] = useState<{ error?: unknown; tries: number }>({ tries: 0 });
  const Content = loaded.get(route.path);
  useEffect(() => {
    const id = params.id ? ` ${params.id.length > 12 ? `${params.id.slice(0, 8)}…` : params.id}` : '';
    document.title = `${route.title}${id} · Beacon`;
    if (loaded.has(route.path)) return;
    route.load().then(
      (module) => {
        loaded.set(route.path, module.default);
        setState({ tries: 0 });
      },
      (error) => setState(({ tries }) => ({ error, tries: tries + 1 })),
    );
  }, [route.path, params.id]);
  if (Content) {
    return (
      <Boundary>
        <Content params={params} />
      </Boundary>
    );
  }
  // A chunk that is gone belongs to a build that is gone.
  if (state.error) return <Failed problem={asProblem(state.error)} retry={() => location.reload()} />;
  return <Loading what={route.title.toLowerCase()} />;
}

/** A page that throws says so in its place; navigation goes on working. */
class Boundary extends Component<{ children: ComponentChildren }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static override getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error)
      return <Failed problem={asProblem(this.state.error)} retry={() => this.setState({ error: undefined })} />;
    return this.props.children;
  }
}

function NoPage() {
  return (
    <Empty title="There is no page here.">
      <p>
        {path.value} leads nowhere. <a href="/">To the start</a>
      </p>
    </Empty>
  );
}
