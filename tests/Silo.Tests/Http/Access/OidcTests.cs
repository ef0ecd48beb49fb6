using System.Net;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Text;
using Gristmill.Grains.Options;
using Gristmill.Testing;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace Gristmill.Silo.Tests.Http.Access;

/// <summary>Tokens of an authority that runs here: what they open, and that none but its own do.</summary>
public sealed class OidcTests(SharedStores stores) : IClassFixture<SharedStores>
{
    private const string Queue = "/api/queues/asr";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Token_opens_what_its_role_may_beside_keys()
    {
        await using var authority = await OidcAuthority.StartAsync();
        await using var api = await StartAsync(authority);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, HttpMethod.Get, authority.Token(new[] { "other", "gristmill-read" })));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(api, HttpMethod.Post, authority.Token(new[] { "gristmill-read" })));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, HttpMethod.Post, authority.Token(new[] { "gristmill-read", "gristmill-admin" })));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, HttpMethod.Post, authority.Token("openid gristmill-operate")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, HttpMethod.Post, TestKeys.Operate));
        Assert.Contains(api.Log.Of("Gristmill.Audit"), l => l.Contains("alice (Admin) called POST", StringComparison.Ordinal));
        foreach (var none in new object?[] { null, "admin", "Admin", new[] { "gristmill-", "gristmill-root" } })
        {
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(api, HttpMethod.Get, authority.Token(none)));
        }
    }

    [Fact]
    public async Task Token_that_is_not_of_the_authority_and_for_this_audience_now_opens_nothing()
    {
        await using var authority = await OidcAuthority.StartAsync();
        await using var api = await StartAsync(authority);
        var good = authority.Token("gristmill-admin");
        var parts = good.Split('.');
        using var other = RSA.Create(2048);
        var tokens = new Dictionary<string, string>
        {
            ["another audience"] = authority.Token("gristmill-admin", audience: "else"),
            ["another issuer"] = authority.Token("gristmill-admin", issuer: "http://evil.example"),
            ["over"] = authority.Token("gristmill-admin", age: TimeSpan.FromMinutes(11)),
            ["not yet"] = authority.Token("gristmill-admin", age: TimeSpan.FromMinutes(-5)),
            ["another key of the same name"] = authority.Token("gristmill-admin", key: new RsaSecurityKey(other) { KeyId = "k1" }),
            ["a shared secret"] = authority.Token("gristmill-admin", key: new SymmetricSecurityKey(Encoding.UTF8.GetBytes(new string('s', 64))) { KeyId = "k1" }, algorithm: SecurityAlgorithms.HmacSha256),
            ["no signature"] = $"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"JWT"}""")}.{parts[1]}.",
            ["changed"] = $"{parts[0]}.{Base64UrlEncoder.Encode(Base64UrlEncoder.Decode(parts[1]).Replace("alice", "mallory", StringComparison.Ordinal))}.{parts[2]}",
            ["no token"] = "a.b.c",
        };
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, HttpMethod.Post, good));
        foreach (var (what, token) in tokens)
        {
            var status = await StatusAsync(api, HttpMethod.Post, token);
            Assert.True(status == HttpStatusCode.Unauthorized, $"{what}: {status}");
            Assert.DoesNotContain(token, api.Log.All, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Stream_ends_with_the_token_that_opened_it_and_not_before()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var authority = await OidcAuthority.StartAsync();
        await using var api = await StartAsync(authority.Url, clock);
        var (_, job) = await api.SendAsync(HttpMethod.Post, $"{Queue}/jobs", new StringContent("""{"payload":{}}""", Encoding.UTF8, "application/json"), TestKeys.Bearer(TestKeys.Operate));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Queue}/jobs/{job.GetProperty("id").GetString()}/events");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {authority.Token("gristmill-read")}");
        using var response = await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync(Stop)).EnumerateAsync(Stop).GetAsyncEnumerator(Stop);
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop));

        // The token lasts 10 minutes from when it was made, somewhat after this clock began, and clocks may be 30 seconds off.
        clock.Advance(TimeSpan.FromMinutes(10));
        await (await api.SiloAsync()).StartOneAsync();
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop));
        Assert.Contains("running", events.Current.Data, StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.False(await events.MoveNextAsync().AsTask().WaitAsync(Limit, Stop));
    }

    [Fact]
    public async Task Authority_that_is_away_refuses_tokens_and_leaves_keys_alone()
    {
        string token;
        await using var api = await StartAsync($"http://127.0.0.1:{Ports.Next()}");
        await using (var authority = await OidcAuthority.StartAsync()) token = authority.Token("gristmill-admin");

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(api, HttpMethod.Get, token));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(api, HttpMethod.Get, TestKeys.Read));
    }

    private Task<ApiFixture> StartAsync(OidcAuthority authority) => StartAsync(authority.Url);

    private Task<ApiFixture> StartAsync(string authority, TimeProvider? clock = null) => ApiFixture.StartAsync(stores, clock: clock, silo: o =>
    {
        TestKeys.Set(o);
        o.Access.Oidc = new OidcOptions { Authority = authority, Audience = OidcAuthority.Audience };
    });

    private static async Task<HttpStatusCode> StatusAsync(ApiFixture api, HttpMethod method, string token) =>
        (await api.SendAsync(method, method == HttpMethod.Get ? Queue : $"{Queue}/pause", null, TestKeys.Bearer(token))).Status;
}
