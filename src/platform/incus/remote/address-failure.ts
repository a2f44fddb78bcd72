/** Why an address could not be made out. Both are whole sentences. */
export interface AddressFailure {
  readonly message: string;
  readonly advice: string;
}
