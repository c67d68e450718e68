import { type ComponentChildren, Fragment } from 'preact'

export interface DetailsProps {
  readonly items: readonly (readonly [term: string, value: ComponentChildren])[]
}

/** Terms and what they are, in two columns. */
export const Details = ({ items }: DetailsProps) => (
  <dl class="details">
    {items.map(([term, value]) => (
      <Fragment key={term}>
        <dt>{term}</dt>
        <dd>{value}</dd>
      </Fragment>
    ))}
  </dl>
)
