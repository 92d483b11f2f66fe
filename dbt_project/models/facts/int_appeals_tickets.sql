{{ config(materialized='ephemeral') }}

with

changed as (
    select * from {{ ref('int_changed_appeals') }}
),

appeals as (
    {{ ticket_union('appeals') | indent(4) }}
),

channels as (
    select * from {{ ref('dim_channels') }}
),

authority_keys as (
    select * from {{ ref('int_authority_keys') }}
),

final as (
    select
        appeals.appeal_id,
        appeals.region_id,
        appeals.source,
        coalesce(channels.channel, 'other') as channel,
        coalesce(appeals.intake, 'other') as intake,
        coalesce(appeals.kind, {{ appeal_kind("''", 'appeals.topic_group_label') }}) as kind,
        true as is_countable,
        appeals.topic_group_label,
        appeals.topic_label,
        appeals.territory_label,
        cast(null as {{ dbt.type_string() }}) as territory_id,
        coalesce(registrations.authority_id, names.authority_id) as authority_id,
        cast(null as {{ dbt.type_string() }}) as page_id,
        appeals.age_group,
        appeals.author_key,
        appeals.created_at,
        appeals.registered_at,
        appeals.is_fast_track,
        appeals.status as source_status,
        appeals.outcome,
        appeals.closed_at,
        appeals.rating,
        cast(null as timestamp) as promised_at,
        appeals.place_key,
        cast(null as timestamp) as topic_changed_at,
        cast(null as boolean) as has_edited_dates,
        changed.load_seq
    from changed
    inner join appeals on changed.appeal_id = appeals.appeal_id
    left join channels on appeals.channel = channels.channel
    left join authority_keys as registrations
        on
            appeals.region_id = registrations.region_id
            and registrations.key_kind = 'ogrn'
            and appeals.ogrn = registrations.authority_key
    left join authority_keys as names
        on
            appeals.region_id = names.region_id
            and names.key_kind = 'name'
            and {{ name_key('appeals.authority_label') }} = names.authority_key
)

select * from final
