import { formatAgo } from '../../format.ts'
import { Checkbox } from '../../parts/checkbox.tsx'
import { Field } from '../../parts/field.tsx'
import { Select } from '../../parts/select.tsx'
import { everyMonths } from './key-facts.ts'
import { aliasProblem, MAX_ALIASES, type NewKey } from './new-key.ts'

export interface AdvancedKeyOptionsProps {
  readonly form: NewKey
  readonly rings: readonly string[]
  /** Imported keys rotate when somebody brings new material. */
  readonly canRotate: boolean
  readonly onChange: (part: Partial<NewKey>) => void
}

export const MONTHS = Array.from({ length: 12 }, (_, index) => index + 1)
const MONTH_MS = 30 * 86_400_000

export const AdvancedKeyOptions = ({ form, rings, canRotate, onChange }: AdvancedKeyOptionsProps) => (
  <details class="advanced" open>
    <summary>Advanced options</summary>
    <div class="stack">
      <Field
        label="Key aliases"
        note="separated by commas"
        value={form.aliases}
        onInput={(aliases) => onChange({ aliases })}
        isCode
        error={aliasProblem(form)}
        hint={`Up to ${MAX_ALIASES}, unique in this instance`}
      />
      <Select
        label="Key ring"
        value={form.ring}
        options={rings.map((ring) => ({ value: ring, label: ring }))}
        onChange={(ring) => onChange({ ring })}
      />
      {canRotate && (
        <div class="row wrap rotation-choice">
          <Checkbox label="Rotates by itself" isChecked={form.rotates} onChange={(rotates) => onChange({ rotates })} />
          <Select
            label={<span class="sr-only">How often</span>}
            value={String(form.months)}
            isDisabled={!form.rotates}
            options={MONTHS.map((months) => ({ value: String(months), label: everyMonths(months) }))}
            onChange={(months) => onChange({ months: Number(months) })}
          />
          {form.rotates && <span class="muted small">first {formatAgo(Date.now() + form.months * MONTH_MS)}</span>}
        </div>
      )}
      <Field
        label="Expires"
        note="never, when left empty"
        type="date"
        value={form.expires}
        onInput={(expires) => onChange({ expires })}
        hint="An expired key still opens what it sealed, and seals nothing more."
      />
    </div>
  </details>
)
