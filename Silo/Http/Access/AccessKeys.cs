using System.Security.Cryptography;
using System.Text;
using Gristmill.Grains.Options;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Http.Access;

/// <summary>
/// The keys: how one is made, and who has one that was presented. A key is 256 random bits, so that its plain SHA-256 is as
/// safe at rest as a slow hash would be (docs/decisions/0009-keys-by-plain-hash.md). What was presented is hashed and compared
/// with every key in constant time.
/// </summary>
internal sealed class AccessKeys(IOptions<GristmillOptions> options)
{
    /// <summary>What a key begins with, so that people and scanners know it for one.</summary>
    public const string Prefix = "gm_";

    private const int RandomBytes = 32;
    private const int MostPresented = 256;
    private readonly (AccessKeyOptions Key, byte[] Hash)[] _keys = [.. options.Value.Access.Keys.Select(k => (k, Convert.FromHexString(k.Hash)))];

    /// <summary>Whether everybody may call: there is neither a key nor an authority.</summary>
    public bool IsOpen { get; } = options.Value.Access is { Keys.Count: 0, Oidc: null };

    /// <summary>A new key.</summary>
    public static string New() => Prefix + Base64Url(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What of a key stands in the configuration.</summary>
    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>The key that was presented; null when it is none.</summary>
    public AccessKeyOptions? Find(string presented)
    {
        if (presented.Length > MostPresented) return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(presented), hash);
        AccessKeyOptions? found = null;
        foreach (var (key, known) in _keys)
        {
            // No early end: how long it takes says nothing of the keys.
            if (CryptographicOperations.FixedTimeEquals(hash, known)) found = key;
        }

        return found;
    }

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
