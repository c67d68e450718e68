/** The root element; undefined when it is no XML. */
export function parseXml(text: string): Element | undefined {
  const root = new DOMParser().parseFromString(text, 'application/xml').documentElement
  return root.localName === 'parsererror' || root.getElementsByTagName('parsererror').length > 0 ? undefined : root
}

/** The child elements of that name. */
export const childrenOf = (element: Element, name: string): readonly Element[] =>
  [...element.children].filter((child) => child.localName === name)

/** The text of the first child element of that name; '' when there is none. */
export const textIn = (element: Element, name: string): string => childrenOf(element, name)[0]?.textContent ?? ''

export const textsIn = (element: Element, name: string): readonly string[] =>
  childrenOf(element, name).map((child) => child.textContent ?? '')

export const escapeXml = (text: string): string =>
  text.replaceAll(/[<>&"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)
