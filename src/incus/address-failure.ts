/** Why an address could not be made out. Both are whole sentences. */
export interface AddressFailure {
  readonly says: string;
  readonly advice: string;
}
