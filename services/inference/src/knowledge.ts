// What the simulated model knows besides arithmetic: enough for questions whose answers can be compared. A region that is told to
// differ gives the second answer.

const FACTS: readonly [about: RegExp, answer: string, other: string][] = [
  [/capital of australia/i, 'Canberra', 'Sydney'],
  [/capital of france/i, 'Paris', 'Lyon'],
  [/capital of germany/i, 'Berlin', 'Bonn'],
  [/capital of japan/i, 'Tokyo', 'Kyoto'],
  [/inventor of the (?:world wide )?web|invented the (?:world wide )?web/i, 'Tim Berners-Lee', 'Google'],
  [/largest planet/i, 'Jupiter', 'Saturn'],
  [/longest river/i, 'The Nile', 'The Amazon'],
  [/chemical (?:symbol|formula) (?:of|for) water/i, 'H2O', 'HO'],
];

/** The fact a question asks for; undefined where there is none. */
export function fact(question: string, differs: boolean): string | undefined {
  const known = FACTS.find(([about]) => about.test(question));
  return known?.[differs ? 2 : 1];
}
