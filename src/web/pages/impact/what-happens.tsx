export interface WhatHappensProps {
  readonly steps: readonly (readonly [when: string, what: string])[]
}

export const WhatHappens = ({ steps }: WhatHappensProps) => (
  <section>
    <h3>What happens, when</h3>
    <ol class="when">
      {steps.map(([when, what]) => (
        <li key={when}>
          <b>{when}</b>
          <span>{what}</span>
        </li>
      ))}
    </ol>
  </section>
)
