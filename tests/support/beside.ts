const { pathname } = new URL("../../../shared/oracle/", import.meta.url);

/**
 * Where PyTorch's and PIL's results on two photographs lie, which may not be published: the folder `shared/oracle`
 * beside the checkout, `null` where it is not there.
 */
export async function oracleBeside(): Promise<string | null> {
  return await Deno.stat(pathname).then(() => pathname, () => null);
}
