// One variable of an environment, and what is wrong with its value.

export interface Judgement {
  /** Code; without one it is a remark. */
  fault?: string;
  /** Goes on after "NAME=value in this environment, ". */
  what: string;
  fix: string;
}

export interface Variable {
  name: string;
  /** What is wrong with its value; undefined where nothing is. */
  judge(value: string, env: NodeJS.ProcessEnv): Judgement | undefined;
}
