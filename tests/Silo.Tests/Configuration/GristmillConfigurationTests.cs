using Gristmill.Grains.Options;
using Gristmill.Silo.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Gristmill.Silo.Tests.Configuration;

public sealed class GristmillConfigurationTests
{
    private const string Asr = "Gristmill:Queues:asr";

    [Fact]
    public void Queue_configured_is_read()
    {
        var options = Load(new() { [$"{Asr}:List"] = "asr_chunk_queue", [$"{Asr}:Handler"] = "h", [$"{Asr}:Retry:Retries"] = "7", [$"{Asr}:PopFrom"] = "right" });
        var queue = Assert.Single(options.Queues);
        Assert.Equal(("asr", "asr_chunk_queue", 7, PopEnd.Right), (queue.Key, queue.Value.List, queue.Value.Retry.Retries, queue.Value.PopFrom));
    }

    [Theory]
    [InlineData("celery", null, PopEnd.Right)]
    [InlineData("Sidekiq", null, PopEnd.Right)]
    [InlineData("Sidekiq", "Left", PopEnd.Left)]
    [InlineData("Resque", null, PopEnd.Left)]
    [InlineData("Laravel", null, PopEnd.Left)]
    [InlineData(null, null, PopEnd.Left)]
    public void Oldest_item_is_where_the_dialects_producers_leave_it(string? dialect, string? end, PopEnd oldest)
    {
        var queue = Load(new() { [$"{Asr}:List"] = "q", [$"{Asr}:Handler"] = "h", [$"{Asr}:Dialect"] = dialect, [$"{Asr}:PopFrom"] = end }).Queues["asr"];
        Assert.Equal((dialect, oldest), (queue.Dialect?.ToString().Replace("Celery", "celery", StringComparison.Ordinal), queue.OldestAt()));
        Assert.Equal(queue.Dialect, queue.ToRules().Dialect);
    }

    [Theory]
    [InlineData("rq", "; rq cannot be taken: its lists hold ids alone, and the jobs lie elsewhere.")]
    [InlineData("BullMQ", "; BullMQ cannot be taken: its lists hold ids alone, and the jobs lie elsewhere.")]
    [InlineData("Asynq", "; Asynq cannot be taken: its lists hold ids alone, and the jobs lie elsewhere.")]
    [InlineData("ARQ", "; ARQ cannot be taken: its queues are sorted sets of ids, and the jobs are no JSON.")]
    [InlineData("Beanstalk", ".")]
    [InlineData("7", ".")]
    public void Dialect_that_no_queue_can_take_is_refused_with_the_reason(string dialect, string reason) =>
        Assert.Equal(
            $"{Asr}:Dialect is '{dialect}'; it must be Celery or Sidekiq or Resque or Laravel{reason}",
            Assert.Single(Failures(new() { [$"{Asr}:Handler"] = "h", [$"{Asr}:Dialect"] = dialect })));

    [Fact]
    public void Short_names_fill_what_is_open()
    {
        var options = Load(
            new() { ["REDIS_URL"] = "redis://r:1/2", ["QUEUE_NAME"] = "lahstats:processing", ["JOB_TIMEOUT"] = "12.5", ["WORKER_COUNT"] = "3" },
            new GristmillFlags { Worker = ["python3", "w.py"], Queue = "lahstats:processing" });
        Assert.Equal("redis://r:1/2", options.Redis);
        var queue = options.Queues["lahstats:processing"];
        Assert.Equal(("lahstats:processing", 12.5, 3), (queue.List, queue.TimeoutSeconds, queue.Worker!.Count));
        Assert.Equal(["python3", "w.py"], queue.Worker.Command);
    }

    [Fact]
    public void Configuration_wins_over_short_names_and_flags_over_both()
    {
        var values = new Dictionary<string, string?>
        {
            ["REDIS_URL"] = "redis://short", ["JOB_TIMEOUT"] = "1", ["QUEUE_NAME"] = "other",
            ["Gristmill:Redis"] = "redis://long", [$"{Asr}:Handler"] = "h", [$"{Asr}:TimeoutSeconds"] = "2",
        };
        var configured = Load(values);
        Assert.Equal(("redis://long", 2.0), (configured.Redis, configured.Queues["asr"].TimeoutSeconds));
        Assert.Equal("asr", Assert.Single(configured.Queues).Key);
        var flagged = Load(values, new GristmillFlags { Redis = "redis://flag", TimeoutSeconds = 3 });
        Assert.Equal(("redis://flag", 3.0), (flagged.Redis, flagged.Queues["asr"].TimeoutSeconds));
    }

    [Fact]
    public void Queue_name_alone_lacks_only_what_does_its_work() =>
        Assert.Contains("Gristmill:Queues:jobs has neither Handler nor Worker", Assert.Single(Failures(new() { ["QUEUE_NAME"] = "jobs" })), StringComparison.Ordinal);

    [Fact]
    public void List_flag_makes_a_queue_of_that_name()
    {
        var queue = Assert.Single(Load([], new GristmillFlags { List = "work", Handler = "h" }).Queues);
        Assert.Equal(("work", "work"), (queue.Key, queue.Value.List));
    }

    [Theory]
    [InlineData("Lists:0:Priority", "12", "Gristmill:Queues:asr:Lists:0:Priority is 12; it must be from 0 to 9.")]
    [InlineData("Concurrency", "0", "Gristmill:Queues:asr:Concurrency is 0; it must be from 1 to 100000.")]
    [InlineData("TimeoutSeconds", "NaN", "Gristmill:Queues:asr:TimeoutSeconds is NaN; it must be from 0.001 to 2592000.")]
    [InlineData("Retry:Factor", "0.5", "Gristmill:Queues:asr:Retry:Factor is 0.5; it must be from 1 to 10.")]
    [InlineData("Gpu:MemoryMiB", "0", "Gristmill:Queues:asr:Gpu:MemoryMiB is 0; it must be from 1 to 16777216.")]
    [InlineData("Gpu:Priority", "10", "Gristmill:Queues:asr:Gpu:Priority is 10; it must be from 0 to 9.")]
    [InlineData("Gpu:Model", "m", "Gristmill:Queues:asr:Gpu:MemoryMiB is 0; it must be from 1 to 16777216.")]
    [InlineData("Windw", "5", "Gristmill:Queues:asr:Windw is no option; did you mean Window?")]
    [InlineData("Retry:Retrys", "5", "Gristmill:Queues:asr:Retry:Retrys is no option; did you mean Retries?")]
    [InlineData("Lists:0:Nam", "x", "Gristmill:Queues:asr:Lists:0:Nam is no option; did you mean Name?")]
    [InlineData("Fields:JobId", "", "Gristmill:Queues:asr:Fields:JobId is ''; it must be the name of a member of the payload.")]
    public void Option_that_is_wrong_is_named_with_value_and_bound(string key, string value, string expected) =>
        Assert.Contains(expected, Failures(new() { [$"{Asr}:Handler"] = "h", [$"{Asr}:Lists:0:Name"] = "l", [$"{Asr}:{key}"] = value }));

    [Theory]
    [InlineData("Access:Keys:0:Name", "a b", "Gristmill:Access:Keys:0:Name is 'a b'; it must be 1 to 64 letters, digits, '.', '_', ':' and '-'.")]
    [InlineData("Access:Keys:0:Role", "root", "Gristmill:Access:Keys:0:Role is 'root'; it must be Read or Operate or Admin.")]
    [InlineData("Access:Keys:0:Hash", "gm_a-key-by-mistake", "Gristmill:Access:Keys:0:Hash has 19 characters (they are not shown, since they may be a key); it must be the 64 hexadecimal digits of a SHA-256, as gristmill keys new prints them.")]
    [InlineData("Access:Keys:1:Name", "ci", "Gristmill:Access:Keys has 'ci' 2 times; each key has a name of its own.")]
    [InlineData("Access:Oidc:Authority", "http://sso.example.com", "Gristmill:Access:Oidc:Authority is 'http://sso.example.com'; it must be an https:// URL, or http:// on loopback.")]
    [InlineData("Access:Oidc:NameClaim", "sub", "Gristmill:Access:Oidc:Audience is ''; it must be the audience that tokens name; without it a token for any other service would do.")]
    [InlineData("Access:Origins", "https://a.example/path", "Gristmill:Access:Origins:0 is 'https://a.example/path'; it must be an origin without a path, such as https://ops.example.com.")]
    [InlineData("Access:Hosts", "a:80", "Gristmill:Access:Hosts:0 is 'a:80'; it must be the name of a host without a port, such as gristmill.example.com.")]
    [InlineData("Access:Streams", "-1", "Gristmill:Access:Streams is -1; it must be from 0 to 1000000.")]
    [InlineData("Access:Burst", "0", "Gristmill:Access:Burst is 0; it must be from 1 to 1000000.")]
    [InlineData("Api:MaxBatchJobs", "10001", "Gristmill:Api:MaxBatchJobs is 10001; it must be from 1 to 10000.")]
    public void Access_option_that_is_wrong_is_named_and_no_hash_is_shown(string key, string value, string expected)
    {
        var failures = Failures(new() { ["Gristmill:Access:Keys:0:Name"] = "ci", ["Gristmill:Access:Keys:0:Hash"] = new('a', 64), ["Gristmill:Access:Keys:1:Name"] = "else", ["Gristmill:Access:Keys:1:Hash"] = new('b', 64), [$"Gristmill:{key}"] = value });
        Assert.Contains(expected, failures);
        Assert.DoesNotContain("gm_a-key", string.Join('\n', failures), StringComparison.Ordinal);
    }

    [Fact]
    public void Key_that_was_put_where_its_options_belong_is_not_repeated()
    {
        var failure = Assert.Single(Failures(new() { ["Gristmill:Access:Keys:0"] = "gm_a-key-by-mistake" }), f => f.Contains("(not shown)", StringComparison.Ordinal));
        Assert.StartsWith("Gristmill:Access:Keys:0 is (not shown); it must be options of its own: Gristmill:Access:Keys:0:Hash, ", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("gm_a-key", failure, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Gristmill:Url", "http://127.0.0.1:8080", false)]
    [InlineData("Gristmill:Url", "http://[::1]:8080", false)]
    [InlineData("Gristmill:Url", "https://LOCALHOST", false)]
    [InlineData("Gristmill:Url", "http://0.0.0.0:8080", true)]
    [InlineData("Gristmill:Url", "http://[::]:8080", true)]
    [InlineData("Gristmill:Url", "http://10.0.0.7:8080", true)]
    [InlineData("Gristmill:Url", "http://silo.example.com", true)]
    [InlineData("Gristmill:Url", "http://127.0.0.1.example.com", true)]
    [InlineData("Kestrel:Endpoints:Public:Url", "https://*:443", true)]
    [InlineData("Kestrel:Endpoints:Public:Url", "http://[127.0.0.1]:8080", true)]
    [InlineData("Kestrel:Endpoints:Public:Url", "http://[::1:8080", true)]
    [InlineData("Kestrel:Endpoints:Public:Url", "http://[::1]:8080", false)]
    [InlineData("Kestrel:Endpoints:Public:Url", "http://localhost:80", false)]
    public void Address_that_others_reach_needs_keys_or_the_word_insecure(string option, string url, bool isRefused)
    {
        var values = new Dictionary<string, string?> { [option] = url };
        if (isRefused) Assert.StartsWith($"{option} is '{url}', which other machines may reach, and no call needs a key. Make one with: gristmill keys new", Assert.Single(Failures(values)), StringComparison.Ordinal);
        else Load(values);
        Load(values, new GristmillFlags { Insecure = true });
        Load(new(values) { ["Gristmill:Access:Keys:0:Name"] = "ci", ["Gristmill:Access:Keys:0:Hash"] = new('a', 64) });
    }

    [Theory]
    [InlineData("Gristmill:LeaseSeconds", "301", "Gristmill:LeaseSeconds is 301; it must be from 1 to 300.")]
    [InlineData("Gristmill:RenewSeconds", "2", "Gristmill:RenewSeconds is 2; it must be from 0.1 to 1.667.")]
    [InlineData("Gristmill:Embedded:MemoryMiB", "63", "Gristmill:Embedded:MemoryMiB is 63; it must be from 64 to 1048576.")]
    [InlineData("Gristmill:Gpus:TurnSeconds", "0", "Gristmill:Gpus:TurnSeconds is 0; it must be from 0.1 to 86400.")]
    [InlineData("Gristmill:Gpus:MaxAsideSeconds", "20", "Gristmill:Gpus:MaxAsideSeconds is 20; it must be from 30 to 86400.")]
    [InlineData("Gristmill:Service", "a b", "Gristmill:Service is 'a b'; it must be 1 to 128 letters, digits, '.', '_', ':' and '-'.")]
    [InlineData("Gristmill:Url", "8080", "Gristmill:Url is '8080'; it must be one http:// or https:// URL, such as http://127.0.0.1:8080.")]
    [InlineData("Gristmill:Url", "http://localhost:8080/;http://0.0.0.0:8081", "Gristmill:Url is 'http://localhost:8080/;http://0.0.0.0:8081'; it must be one http:// or https:// URL, such as http://127.0.0.1:8080.")]
    [InlineData("Gristmill:Redsi", "x", "Gristmill:Redsi is no option; did you mean Redis?")]
    [InlineData("JOB_TIMEOUT", "5m", "JOB_TIMEOUT is '5m'; it must be a number of seconds, such as 300.")]
    [InlineData("LOG_LEVEL", "loud", "LOG_LEVEL is 'loud'; it must be DEBUG, INFO, WARNING or ERROR.")]
    public void Silo_option_that_is_wrong_is_named_with_value_and_bound(string key, string value, string expected) =>
        Assert.Equal(expected, Assert.Single(Failures(new() { [key] = value })));

    [Fact]
    public void Values_of_another_type_are_all_named_with_their_bounds()
    {
        var failures = Failures(new()
        {
            ["Gristmill:LeaseSeconds"] = "soon", [$"{Asr}:Concurrency"] = "many", [$"{Asr}:Retry:Jitter"] = "a bit", [$"{Asr}:Worker:Count"] = "two",
            [$"{Asr}:Worker:Command"] = "python3 w.py", [$"{Asr}:Worker:HeartbeatIntervalSeconds"] = "1m", [$"{Asr}:AllowOpaque"] = "yes",
            [$"{Asr}:PopFrom"] = "top", [$"{Asr}:Windw"] = "5", [$"{Asr}:Fields"] = "x", ["Gristmill:Embedded:Port"] = "99999",
        });
        string[] expected =
        [
            "Gristmill:Embedded:Port is 99999; it must be from 0 to 65535.",
            "Gristmill:LeaseSeconds is 'soon'; it must be a number from 1 to 300.",
            "Gristmill:Queues:asr:AllowOpaque is 'yes'; it must be true or false.",
            "Gristmill:Queues:asr:Concurrency is 'many'; it must be a whole number from 1 to 100000.",
            "Gristmill:Queues:asr:PopFrom is 'top'; it must be Left or Right.",
            "Gristmill:Queues:asr:Retry:Jitter is 'a bit'; it must be a number from 0 to 1.",
            "Gristmill:Queues:asr:Windw is no option; did you mean Window?",
            "Gristmill:Queues:asr:Worker:Count is 'two'; it must be a whole number from 1 to 256.",
            "Gristmill:Queues:asr:Worker:HeartbeatIntervalSeconds is '1m'; it must be a number from 0.05 to 600.",
        ];
        Assert.Equal(expected, failures.Where(f => !f.Contains(":Fields is", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains(failures, f => f.StartsWith("Gristmill:Queues:asr:Fields is 'x'; it must be options of its own: Gristmill:Queues:asr:Fields:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("python3 w.py", "python3|w.py")]
    [InlineData("python3 'my worker.py' \"--name=a b\" c\\ d", "python3|my worker.py|--name=a b|c d")]
    [InlineData("sh -c 'echo \"$HOME\"'", "sh|-c|echo \"$HOME\"")]
    [InlineData("  a   '' \"b\\\"c\\n\" ", "a||b\"c\\n")]
    public void Worker_command_on_one_line_is_split_as_a_shell_would(string line, string words)
    {
        var options = Load(new() { [$"{Asr}:Worker:Command"] = line });
        Assert.Equal(words.Split('|'), options.Queues["asr"].Worker!.Command);
    }

    [Fact]
    public void Worker_command_with_an_open_quote_is_refused() => Assert.Contains(
        "Gristmill:Queues:asr:Worker:Command is 'python3 \"w.py'; it must be a program and its arguments, with each quote closed.",
        Failures(new() { [$"{Asr}:Worker:Command"] = "python3 \"w.py" }));

    [Fact]
    public void Worker_command_on_one_line_wins_over_words_of_a_lower_place()
    {
        var options = Load(new() { [$"{Asr}:Worker:Command"] = "sh w.sh", [$"{Asr}:Worker:Command:0"] = "python3", [$"{Asr}:Worker:Command:2"] = "x" });
        Assert.Equal(["sh", "w.sh"], options.Queues["asr"].Worker!.Command);
    }

    [Fact]
    public void List_of_texts_given_as_one_value_is_a_list_of_one() =>
        Assert.Equal(["replies:"], Load(new() { [$"{Asr}:Handler"] = "h", [$"{Asr}:ReplyToPrefixes"] = "replies:" }).Queues["asr"].ReplyToPrefixes);

    [Theory]
    [InlineData("redis://:s3cret@host:notaport")]
    [InlineData("redis://s3cret@host")]
    [InlineData("http://u:s3cret@host")]
    public void Redis_url_that_is_wrong_is_refused_without_its_secret(string url)
    {
        var failure = Assert.Single(Failures(new() { ["Gristmill:Redis"] = url }));
        Assert.StartsWith("Gristmill:Redis ", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Handler_and_worker_together_are_refused() => Assert.Contains(
        "Gristmill:Queues:asr has both Handler ('h') and Worker; set one of them.",
        Failures(new() { [$"{Asr}:Handler"] = "h", [$"{Asr}:Worker:Command:0"] = "sh" }));

    [Fact]
    public void Two_queues_on_one_list_are_refused() => Assert.Contains(
        "Gristmill:Queues:b:List is 'l', which is a list of the queue 'asr' too; a list belongs to one queue.",
        Failures(new() { [$"{Asr}:Handler"] = "h", [$"{Asr}:List"] = "l", ["Gristmill:Queues:b:Handler"] = "h", ["Gristmill:Queues:b:List"] = "l" }));

    [Fact]
    public void Dead_letters_into_a_list_of_jobs_are_refused() => Assert.Contains(
        Failures(new() { [$"{Asr}:Handler"] = "h", [$"{Asr}:List"] = "l", [$"{Asr}:DeadLetterList"] = "l" }),
        f => f.StartsWith("Gristmill:Queues:asr:DeadLetterList is 'l'", StringComparison.Ordinal));

    [Fact]
    public void Queue_without_a_list_is_fine() => Assert.Single(Load(new() { [$"{Asr}:Handler"] = "h" }).Queues);

    [Fact]
    public void Name_with_a_colon_is_explained() => Assert.Contains(
        Failures(new() { ["Gristmill:Queues:lahstats:processing:Handler"] = "h" }),
        f => f.Contains("lahstats:processing is no option", StringComparison.Ordinal) && f.Contains("begins a new level", StringComparison.Ordinal));

    [Theory]
    [InlineData("123456789", 0x31C3)]
    [InlineData("foo", 12182)]
    [InlineData("{foo}:jobs", 12182)]
    [InlineData("a{foo}{bar}", 12182)]
    [InlineData("{}foo", 9500)]
    public void Slot_of_a_key_is_that_of_redis(string key, int slot) => Assert.Equal(slot % 16384, ClusterSlot.Of(key));

    private static GristmillOptions Load(Dictionary<string, string?> values, GristmillFlags? flags = null) =>
        GristmillConfiguration.Load(new ConfigurationBuilder().AddInMemoryCollection(values).Build(), flags ?? new GristmillFlags());

    private static IEnumerable<string> Failures(Dictionary<string, string?> values) =>
        Assert.Throws<OptionsValidationException>(() => Load(values)).Failures;
}
