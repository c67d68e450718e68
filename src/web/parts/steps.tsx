import type { ComponentChildren } from 'preact'
import { Icon } from './icon.tsx'

export interface Step {
  /** `next`: what is to be done. `bad`: it cannot be. */
  readonly state: 'done' | 'next' | 'bad'
  readonly title: ComponentChildren
  readonly text: ComponentChildren
}

/** What holds, and what is to be done, one after the other. */
export const Steps = ({ steps }: { readonly steps: readonly Step[] }) => (
  <ol class="steps">
    {steps.map(({ state, title, text }, index) => (
      <li key={index} class={state}>
        <span class="step-mark">
          {state === 'done' ? (
            <Icon name="check" size="small" />
          ) : state === 'bad' ? (
            <Icon name="close" size="small" />
          ) : (
            <span class="dot" />
          )}
        </span>
        <div>
          <b>{title}</b>
          <p>{text}</p>
        </div>
      </li>
    ))}
  </ol>
)
