// Java: what pom.xml pins, copied by Maven; the program, compiled by javac; OpenTelemetry's agent.
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Prepared } from '../languages.ts';
import { filledOnce, tool } from '../scratch.ts';
import { type Stack, WORLD } from '../stack.ts';

/** Starts the JVMs of all Java programs. */
const LAUNCHER = path.join(WORLD, 'telemetry/java/world');
const AGENT = /^opentelemetry-javaagent-[\d.]+\.jar$/;

export function prepareJava(stack: Stack): Prepared {
  const pom = path.join(stack.dir, 'pom.xml');
  const java = [path.join(stack.dir, 'world'), LAUNCHER].flatMap((dir) =>
    fs
      .readdirSync(dir)
      .filter((file) => file.endsWith('.java'))
      .map((file) => path.join(dir, file)),
  );
  const lib = filledOnce(`${stack.name}-lib`, [pom], (to) => {
    tool('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${to}`]);
  });
  const jars = fs.readdirSync(lib).filter((file) => file.endsWith('.jar'));
  const agent = jars.find((jar) => AGENT.test(jar));
  if (!agent) throw new Error(`${pom} does not depend on io.opentelemetry.javaagent:opentelemetry-javaagent.`);
  const libraries = jars.filter((jar) => jar !== agent).map((jar) => path.join(lib, jar));
  const classes = filledOnce(stack.name, [pom, ...java], (to) => {
    tool('javac', ['-parameters', '-d', to, '-cp', libraries.join(path.delimiter), ...java]);
  });
  const direct = fs.readFileSync(pom, 'utf8').matchAll(/<artifactId>([^<]+)<\/artifactId>/g);
  const versions = new Map([...direct].flatMap(([, name]) => jars.flatMap((jar) => versionOf(jar, name as string))));
  return {
    command: ['java', '-cp', [classes, ...libraries].join(path.delimiter), 'world.Main'],
    libraries: { java: tool('java', ['--version']).split(/\s+/)[1] as string, ...Object.fromEntries(versions) },
    environment: { WORLD_JAVA_AGENT: path.join(lib, agent) },
    paths: [
      [classes, '/app'],
      [lib, '/app/lib'],
    ],
  };
}

function versionOf(jar: string, name: string): [string, string][] {
  const version = jar.startsWith(`${name}-`) ? /^(\d[\w.-]*)\.jar$/.exec(jar.slice(name.length + 1))?.[1] : undefined;
  return version === undefined ? [] : [[name, version]];
}
