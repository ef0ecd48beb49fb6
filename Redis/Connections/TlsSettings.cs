using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Gristmill.Redis;

/// <summary>
/// TLS as the options ask for it. There is no way to accept a certificate unseen: the chain must end in the system's trust
/// store or in the given CA file, and the name must match. Revocation is not looked up, since private CAs rarely serve it.
/// Files are read for each connection, so that renewed certificates are used without a restart.
/// </summary>
internal static class TlsSettings
{
    public static SslClientAuthenticationOptions Create(RedisOptions options, string host)
    {
        var settings = new SslClientAuthenticationOptions { TargetHost = options.TlsServerName ?? host };
        if (options.TlsCaFile is not null)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.ImportFromPemFile(options.TlsCaFile);
            settings.CertificateChainPolicy = policy;
        }

        if (options.TlsCertificateFile is not null)
        {
            settings.ClientCertificates = [X509Certificate2.CreateFromPemFile(options.TlsCertificateFile, options.TlsKeyFile)];
        }

        return settings;
    }
}
