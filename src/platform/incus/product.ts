/** What answers: Incus, or LXD, which has the same interface with other names for the commands of a person. */
export type Product = 'Incus' | 'LXD';

interface ProductFacts {
  /** Its command line client. */
  readonly client: string;
  /** The versions that the tests of guard run on (test/servers). A version of a row is every patch of it too. */
  readonly testedVersions: readonly string[];
}

const products: Readonly<Record<Product, ProductFacts>> = {
  Incus: { client: 'incus', testedVersions: ['6.0', '7.0'] },
  LXD: { client: 'lxc', testedVersions: ['5.0'] },
};

/** The command that a person types to manage the server. */
export function clientOf(product: Product): string {
  return products[product].client;
}

export function testedVersionsOf(product: Product): readonly string[] {
  return products[product].testedVersions;
}
