/** What answers: Incus, or LXD, which has the same interface with other names for the commands of a person. */
export type Product = 'Incus' | 'LXD';

/** The command line clients, by server. */
const clients: Readonly<Record<Product, string>> = { Incus: 'incus', LXD: 'lxc' };

/** The command that a person types to manage the server. */
export function clientOf(product: Product): string {
  return clients[product];
}
