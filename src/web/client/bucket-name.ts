/** What is wrong with it, in words; undefined: nothing that can be told without asking. The server has the last word. */
export function problemOfBucketName(name: string): string | undefined {
  if (name.length < 3) return 'At least 3 characters.'
  if (name.length > 63) return 'At most 63 characters.'
  if (/[A-Z]/.test(name)) return 'Lower-case letters only.'
  if (/[^a-z0-9.-]/.test(name)) return 'Letters, digits, hyphens and dots only.'
  if (!/^[a-z0-9]/.test(name) || !/[a-z0-9]$/.test(name)) return 'It begins and ends with a letter or a digit.'
  if (/\.\.|\.-|-\./.test(name)) return 'No dot beside another dot or a hyphen.'
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return 'Not the form of an IP address.'
  return undefined
}
