using Microsoft.Extensions.Logging.Abstractions;

namespace Gristmill.Redis.Tests;

public sealed class RedisUrlTests
{
    [Theory]
    [InlineData("redis://localhost", "localhost", 6379, null, null, 0, false)]
    [InlineData("REDIS://localhost:7000/", "localhost", 7000, null, null, 0, false)]
    [InlineData("rediss://redis.example.org:6380/12", "redis.example.org", 6380, null, null, 12, true)]
    [InlineData("redis://:pw@h", "h", 6379, null, "pw", 0, false)]
    [InlineData("redis://user:p%40ss%2Fw%3Ard%25@h:1/2", "h", 1, "user", "p@ss/w:rd%", 2, false)]
    [InlineData("redis://us%C3%A9r:p%20w@h", "h", 6379, "usér", "p w", 0, false)]
    [InlineData("redis://user:with:colons@h", "h", 6379, "user", "with:colons", 0, false)]
    [InlineData("redis://user:with@at@h", "h", 6379, "user", "with@at", 0, false)]
    [InlineData("redis://:@h", "h", 6379, null, null, 0, false)]
    [InlineData("redis://[::1]", "::1", 6379, null, null, 0, false)]
    [InlineData("redis://u:p@[fe80::1]:7001/3", "fe80::1", 7001, "u", "p", 3, false)]
    [InlineData("redis://10.0.0.1:65535", "10.0.0.1", 65535, null, null, 0, false)]
    public void Url_is_taken_apart(string url, string host, int port, string? user, string? password, int database, bool tls)
    {
        var options = RedisOptions.Parse(url);

        Assert.Equal((host, port, user, password, database, tls), (options.Host, options.Port, options.User, options.Password, options.Database, options.Tls));
        Assert.Empty(options.Validate());
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost:6379")]
    [InlineData("http://:secret@h")]
    [InlineData("redis://")]
    [InlineData("redis://:secret@")]
    [InlineData("redis://:secret@h:0")]
    [InlineData("redis://:secret@h:65536")]
    [InlineData("redis://:secret@h:-1")]
    [InlineData("redis://:secret@h:")]
    [InlineData("redis://:secret@h:80x")]
    [InlineData("redis://:secret@h/x")]
    [InlineData("redis://:secret@h/-1")]
    [InlineData("redis://:secret@h/99999999999")]
    [InlineData("redis://:secret@h/1/2")]
    [InlineData("redis://:secret@h?ssl_cert_reqs=none")]
    [InlineData("redis://:secret@h/0#x")]
    [InlineData("redis://:sec/ret@h")]
    [InlineData("redis://:sec?secret@h")]
    [InlineData("redis://:secret%@h")]
    [InlineData("redis://:secret%2@h")]
    [InlineData("redis://:secret%zz@h")]
    [InlineData("redis://:secret%ff%fe@h")]
    [InlineData("redis://:secret@[::1")]
    [InlineData("redis://:secret@::1")]
    [InlineData("redis://:secret@[host]")]
    [InlineData("redis://:secret@[::1]x:1")]
    [InlineData("redis://:secret@[[::1]]")]
    [InlineData("redis://:secret@h h")]
    [InlineData("redis://:secret@h\r\nx")]
    public void Url_that_is_malformed_is_refused_without_repeating_it(string url)
    {
        var error = Assert.Throws<FormatException>(() => RedisOptions.Parse(url));

        Assert.StartsWith("Url ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", new RedisOptions { Url = url }.ToString(), StringComparison.Ordinal);
        Assert.Single(new RedisOptions { Url = url }.Validate());
    }

    [Theory]
    [InlineData("redis://user:secret@host:6379/0", "redis://user:***@host:6379/0")]
    [InlineData("redis://:secret@host", "redis://:***@host")]
    [InlineData("redis://secret@host", "redis://***@host")]
    [InlineData("redis://host:6379", "redis://host:6379")]
    [InlineData("redis://user:se/cr@et@host/1", "redis://user:***@host/1")]
    [InlineData("redis://host?password=secret", "redis://host?***")]
    [InlineData("rediss://user:se?cret#x@host", "rediss://user:***@host")]
    [InlineData("host:6379", "host:6379")]
    public void Redacted_url_hides_the_secret(string url, string expected) => Assert.Equal(expected, RedisUrl.Redact(url));

    [Fact]
    public void Options_show_no_password()
    {
        Assert.Equal("redis://user:***@h:6379/2", RedisOptions.Parse("redis://user:secret@h/2").ToString());
        Assert.Equal("redis://user:***@h:6379/2", new RedisOptions { Url = "redis://user:secret@h/2" }.ToString());
        Assert.Equal("rediss://[::1]:6379/0", RedisOptions.Parse("rediss://[::1]").ToString());
    }

    [Fact]
    public void Option_out_of_bounds_is_named_with_value_and_bound()
    {
        var options = new RedisOptions
        {
            Port = 0,
            Database = -1,
            MaxInFlight = 0,
            CommandTimeout = TimeSpan.Zero,
            BackoffMin = TimeSpan.FromSeconds(9),
            ClientName = "two words",
            User = "u",
            TlsCaFile = "/nowhere/ca.pem",
        };

        var found = options.Validate();

        Assert.Contains("Port is 0: it must be 1 to 65535.", found);
        Assert.Contains("MaxInFlight is 0: it must be 1 to 10000000.", found);
        Assert.Contains("CommandTimeout is 00:00:00: it must be 00:00:00.0100000 to 00:10:00.", found);
        Assert.Contains("BackoffMin is 00:00:09: it must be 00:00:00.0010000 to 00:00:05.", found);
        Assert.Contains("TlsCaFile is '/nowhere/ca.pem': there is no such file.", found);
        Assert.Equal(9, found.Count);
        Assert.Throws<ArgumentException>(() => RedisClient.Connect(options, NullLoggerFactory.Instance));
    }
}
