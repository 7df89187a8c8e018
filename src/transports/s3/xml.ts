/** Reads S3's XML, by the AWS SDK's own parser, into texts by name: it has no attributes that matter and no mixed content. */
import { parseXML } from '@aws-sdk/xml-builder';

/** A parsed element: what it holds by name, text where it holds no elements. */
export class XmlElement {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#members = isMembers(value) ? value : {};
  }

  /** The text of a member, empty where there is none. */
  text(name: string): string {
    const value = this.#members[name];
    return typeof value === 'string' ? value : '';
  }

  /** Members of that name, however many. */
  all(name: string): XmlElement[] {
    const value = this.#members[name];
    if (value === undefined || value === '') return [];
    return (Array.isArray(value) ? value : [value]).map((each: unknown) => new XmlElement(each));
  }

  one(name: string): XmlElement | undefined {
    return this.all(name)[0];
  }
}

export class XmlReply {
  readonly #roots: Readonly<Record<string, unknown>>;

  /** Throws Error for what is no XML. */
  constructor(text: string) {
    const parsed: unknown = parseXML(text);
    this.#roots = isMembers(parsed) ? parsed : {};
  }

  root(name: string): XmlElement | undefined {
    const value = this.#roots[name];
    return value === undefined ? undefined : new XmlElement(value);
  }
}

const isMembers = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
