// A real Chromium for tests: the one of npm, unpacked once into a folder of its own, or the one CHROMIUM_PATH names.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after } from 'node:test';
import { type Browser, chromium, type Page } from 'playwright-core';

let launched: Promise<Browser> | undefined;
// Here and not where it is launched: inside a test it would be closed with that test.
after(async () => (await launched)?.close());

/**
 * Why there is no browser here, for `test({ skip: noBrowser })`; false where there is one. Only Linux on x64 has one in
 * npm: elsewhere, set CHROMIUM_PATH.
 */
export const noBrowser: string | false =
  process.env.CHROMIUM_PATH || (process.platform === 'linux' && process.arch === 'x64')
    ? false
    : `NO BROWSER TEST RUNS on ${process.platform} ${process.arch}: set CHROMIUM_PATH to a Chromium.`;
if (noBrowser) console.error(noBrowser);

/** The browser, started at first use and closed after the tests of the file. */
export function browser(): Promise<Browser> {
  launched ??= launch();
  return launched;
}

interface PageOptions {
  /** CSS pixels. Default 1280 x 800. */
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
}

/** A page with storage of its own. Whatever the page logs as an error, or throws, is in `complaints`. */
export async function openPage(options: PageOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await (await browser()).newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.theme ?? 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.stack ?? String(error)));
  page.on('console', (message) => {
    // An execution without answers: the panel is left out, and the browser logs the status.
    if (/\/api\/v1\/execution-answers\b/.test(message.location().url)) return;
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  return { page, complaints };
}

async function launch(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? (await unpacked());
  // The sandbox needs what containers and root do not have; the pages are our own.
  const args = ['--no-sandbox', '--disable-gpu', '--no-zygote', '--font-render-hinting=none'];
  const started = await chromium.launch({ executablePath, args, headless: true, env: fonts(executablePath) });
  return started;
}

/**
 * The fonts that come with the browser, where they do: pictures look the same on every machine. Their own configuration
 * names /tmp/fonts, which need not exist, and a Chromium without any font aborts.
 */
function fonts(executablePath: string): Record<string, string> {
  const home = path.dirname(executablePath);
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return fs.existsSync(path.join(home, 'fonts')) ? { ...env, FONTCONFIG_FILE: path.join(home, FONTS_CONF) } : env;
}

const FONTS_CONF = 'beacon-fonts.conf';

function fontsConf(home: string): string {
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${home}/fonts</dir><cachedir>${home}/fonts-cache</cachedir></fontconfig>
`;
}

/** A folder a user and version, filled aside and then renamed, so that no test starts half a browser. */
async function unpacked(): Promise<string> {
  const { default: packed } = await import('@sparticuz/chromium');
  const found = import.meta.resolve('@sparticuz/chromium');
  const manifest = path.join(path.dirname(new URL(found).pathname), '..', 'package.json');
  const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { version: string };
  const folder = path.join(os.tmpdir(), `beacon-chromium-${version}-fonts-${process.getuid?.() ?? 0}`);
  if (!fs.existsSync(path.join(folder, FONTS_CONF))) {
    const aside = fs.mkdtempSync(`${folder}-`);
    const before = process.env.TMPDIR;
    process.env.TMPDIR = aside;
    await packed.executablePath();
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    fs.writeFileSync(path.join(aside, FONTS_CONF), fontsConf(folder));
    try {
      fs.renameSync(aside, folder);
    } catch {
      // Another process was faster.
      fs.rmSync(aside, { recursive: true, force: true });
    }
  }
  return path.join(folder, 'chromium');
}
