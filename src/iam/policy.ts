export const POLICY_TYPES = ['access', 'authorization'] as const
export type PolicyType = (typeof POLICY_TYPES)[number]

/** One condition on a subject or a resource. `stringMatch`: `*` any characters, `?` one. */
export type PolicyAttribute =
  | { readonly key: string; readonly operator: 'stringEquals' | 'stringMatch'; readonly value: string }
  | { readonly key: string; readonly operator: 'stringExists'; readonly value: boolean }
  | {
      readonly key: string
      readonly operator: 'stringEqualsAnyOf' | 'stringMatchAnyOf'
      readonly value: readonly string[]
    }

/** One comparison with the clock. */
export interface RuleCondition {
  readonly key: string
  readonly operator: string
  readonly value: string | readonly string[]
}

/** When a policy counts: one condition, or several joined. */
export type PolicyRule =
  | RuleCondition
  | { readonly operator: 'and' | 'or'; readonly conditions: readonly RuleCondition[] }

export interface PolicyDraft {
  readonly type: PolicyType
  /** The account of the resource: a policy always lives there. The resource names it too. */
  readonly accountId: string
  /** `access`: who, by IAM id. `authorization`: which service, possibly of another account. In the order given. */
  readonly subject: readonly PolicyAttribute[]
  /** An attribute that is not there does not restrict. In the order given. */
  readonly resource: readonly PolicyAttribute[]
  /** Role CRNs, as given. */
  readonly roles: readonly string[]
  readonly description?: string | undefined
  /** The name of the rule's form; there when `rule` is. */
  readonly pattern?: string | undefined
  readonly rule?: PolicyRule | undefined
}

/** A grant, to an identity (`access`) or to a service (`authorization`). One record, whatever API made it. */
export interface Policy extends PolicyDraft {
  readonly id: string
  readonly state: 'active' | 'deleted'
  /** Grows by one with each change. */
  readonly revision: number
  readonly createdAtMs: number
  /** IAM id, or `bootstrap`. */
  readonly createdBy: string
  readonly modifiedAtMs: number
  readonly modifiedBy: string
}

export const equal = (key: string, value: string): PolicyAttribute => ({ key, operator: 'stringEquals', value })

/** The value that an attribute must have, where exactly one will do. */
export function exactValue(attributes: readonly PolicyAttribute[], key: string): string | undefined {
  const found = attributes.find((attribute) => attribute.key === key)
  return found?.operator === 'stringEquals' ? found.value : undefined
}
