/** What a shell may complete there. */
export type Kind = 'bucket' | 'object' | 'key' | 'file' | 'user' | 'profile' | 'setting'

export interface ArgumentSpec {
  readonly name: string
  readonly help: string
  readonly optional?: true
  /** Takes all that follow. */
  readonly many?: true
  readonly kind?: Kind
}

export interface OptionSpec {
  /** What its value is called; absent: it takes none. */
  readonly value?: string
  readonly help: string
  readonly choices?: readonly string[]
  /** May be given more than once. */
  readonly many?: true
  readonly kind?: Kind
}

/** One command, without what it does: its help, its completion and what it takes are made from this. */
export interface DescribedCommand {
  /** Behind the noun, perhaps of two words: `policy set`. Empty: the noun alone is the command. */
  readonly name: string
  readonly summary: string
  /** A paragraph or two. */
  readonly about?: string
  readonly arguments?: readonly ArgumentSpec[]
  readonly options?: Readonly<Record<string, OptionSpec>>
  /** Changes or removes what cannot be had back easily: it takes --yes and --dry-run, and asks. */
  readonly destructive?: true
  /** What the same command does after an interruption of this one: `what is there is passed over`. */
  readonly again?: string
  /** Each begins with `coffer `; a test runs it. */
  readonly examples: readonly string[]
  readonly see?: readonly string[]
}

export interface DescribedNoun {
  readonly noun: string
  readonly load: () => Promise<{ readonly COMMANDS: readonly DescribedCommand[] }>
}

export const GLOBAL_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { help: 'one JSON document, or a line of JSON for each item, the last one a result or an error' },
  quiet: { help: 'ids and names only, one a line' },
  wide: { help: 'more columns' },
  'no-color': { help: 'no colours; NO_COLOR does the same' },
  progress: {
    value: 'how',
    choices: ['auto', 'bar', 'plain', 'json', 'none'],
    help: 'of transfers and jobs; COFFER_PROGRESS does the same',
  },
  profile: {
    value: 'name',
    help: 'a profile that `coffer login` saved; COFFER_PROFILE does the same',
    kind: 'profile',
  },
  help: { help: 'this' },
}

export const DRY_RUN: Readonly<Record<string, OptionSpec>> = {
  'dry-run': { help: 'shows what it would do, and changes nothing' },
}

export const DESTRUCTIVE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  ...DRY_RUN,
  yes: { help: 'does not ask' },
}

export const optionsOf = (spec: DescribedCommand): Readonly<Record<string, OptionSpec>> => ({
  ...spec.options,
  ...(spec.destructive ? DESTRUCTIVE_OPTIONS : {}),
})
