import { invalid } from './errors.ts'

/** IBM: "180 characters or less and cannot include any special characters other than (space) - . _ :". */
export function checkedName(name: string): string {
  if (!/^[\p{L}\p{N} \-._:]{1,180}$/u.test(name)) {
    throw invalid('a name has 1 to 180 letters, digits, spaces or any of - . _ :')
  }
  return name
}
