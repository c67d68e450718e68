import type { Address, Config } from '../settings.ts'

/** `problem`: the server does not start so, or serves wrongly. `warning`: it serves, and it should not stay so. */
export type Verdict = 'ok' | 'warning' | 'problem'

export interface Finding {
  readonly check: string
  readonly verdict: Verdict
  readonly message: string
  /** What to do about it. */
  readonly mend?: string
  /** What --fix may do about it. */
  readonly fix?: Fix
}

/** A mend that loses nothing and can be undone by hand. */
export interface Fix {
  /** As a person would do it: `chmod 0700 /data`. */
  readonly command: string
  readonly apply: () => Promise<void>
}

/** What a check looks at. It changes nothing. */
export interface Examined {
  readonly config: Config
  /** Absolute. */
  readonly dataDir: string
  /** What a running server says of itself. */
  readonly running: RunningServer
}

export interface RunningServer {
  /** `absent`: nobody listens there. `unknown`: somebody does. `guarded`: who listens wants a certificate of a client. */
  readonly state: 'ready' | 'not-ready' | 'absent' | 'unknown' | 'guarded'
  readonly problems: readonly string[]
  /** Where it is: told by one that has the data directory, whatever address these settings give. */
  readonly control?: Address
}

export type Check = (examined: Examined) => Promise<readonly Finding[]> | readonly Finding[]

export const finding = (check: string) => ({
  ok: (message: string): Finding => ({ check, verdict: 'ok', message }),
  warning: (message: string, mend: string, fix?: Fix): Finding => ({
    check,
    verdict: 'warning',
    message,
    mend,
    ...fixed(fix),
  }),
  problem: (message: string, mend: string, fix?: Fix): Finding => ({
    check,
    verdict: 'problem',
    message,
    mend,
    ...fixed(fix),
  }),
})

const fixed = (fix: Fix | undefined) => (fix === undefined ? {} : { fix })
