const IBM =
  /^(?:us|us-east|us-south|us-west|eu|eu-gb|eu-de|eu-es|ap|jp-tok|jp-osa|au-syd|br-sao|ca-tor|ca-mon|in-che|in-mum|[a-z]{3}0\d)$/

/** Classes that are said with the location, as IBM does; of other regions there is one. */
export const storageClassesOf = (location: string): readonly { readonly value: string; readonly label: string }[] =>
  IBM.test(location)
    ? [
        { value: 'standard', label: 'Standard' },
        { value: 'smart', label: 'Smart Tier' },
        { value: 'vault', label: 'Vault' },
        { value: 'cold', label: 'Cold Vault' },
      ]
    : [{ value: 'standard', label: 'Standard' }]

/** For CreateBucket; undefined: where the endpoint is. */
export function locationConstraint(location: string, storageClass: string): string | undefined {
  if (IBM.test(location)) return `${location}-${storageClass}`
  return location === 'us-east-1' ? undefined : location
}
